it('binds the device', () => {
  cy.task('imkeyURL').then((url) => cy.visit(url))
  cy.get('[data-action=connect]').click()
  cy.get('[data-action=go-on]').click()
  cy.task('imkeyCode').then((code) => cy.get('.code-box').first().type(`${code}{enter}`))
  cy.task('imkeyApprove').should('contain', 'Bind this app?')
  cy.get('[data-state=bound]').should('exist')
})
